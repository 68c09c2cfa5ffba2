"""The HTTP front: `exchange.py` is the straight line, `connection.py` drives it over HTTP/1."""

from revproxy.proxy.http.exclusions import Exclusions, Placed
from revproxy.proxy.http.front import HttpFront
from revproxy.proxy.http.offline import inspect_request, judge_request
from revproxy.proxy.http.record import Recorder
from revproxy.proxy.http.routes import Router, policy_of, way_of
from revproxy.proxy.http.site import Site

__all__ = [
    "Exclusions",
    "HttpFront",
    "Placed",
    "Recorder",
    "Router",
    "Site",
    "inspect_request",
    "judge_request",
    "policy_of",
    "way_of",
]
