from revproxy.detection.seclang.lower.errors import Problem


def test_a_problem_says_what_and_what_instead():
    problem = Problem("no such thing", "use another")
    assert (str(problem), problem.message, problem.hint) == ("no such thing", "no such thing", "use another")
