"""The DMZ as a network: what passes between the Internet, the front end and the inside, with the rules that
`revproxy firewall` prints, and that nothing else does. Both layouts; IPv4 and IPv6; real servers inside.

Every machine of the laboratory has doors that nobody declared, and the scanner is shown to find them where there are
no rules: its silence means something. REVPROXY_FULL=1 scans all 65,535 ports instead of the first 1,024 and a few.
"""

from __future__ import annotations

import email
import imaplib
import subprocess
import sys
import time

import pytest
import scanner
from arrangement import DNS, FEED, INSIDE, MX, ROLES, USUAL, WEB, WEB6, Arranged
from inside import BROKER, WORKERS
from lab import DOORS
from servers import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


def of(found: set[scanner.Target], host: str) -> set[scanner.Target]:
    return {target for target in found if target[0] == host}


# ---- what works


def curl(arranged: Arranged, source: str, *words: str) -> tuple[str, str]:
    """Status and body."""
    command = ["curl", "--silent", "--globoff", "--max-time", "20", "-w", "\n%{http_code}", *words]
    body, _, status = arranged.lab[source].command(*command, check=False).stdout.rpartition("\n")
    return status, body


def test_the_web_from_the_internet(arranged):
    for host in ("192.0.2.10", "[2001:db8:d::10]"):
        assert curl(arranged, "internet", f"http://{host}/") == ("200", "<p>a page of the internal web server</p>")
    status, _ = curl(arranged, "internet", "http://192.0.2.10/?q=1'+union+select+password+from+users--")
    assert status == "403"


def test_the_internal_application_reads_the_user_database(arranged):
    assert curl(arranged, "internet", "http://192.0.2.10/users/1") == ("200", "Ada\n")
    assert curl(arranged, "internet", "http://192.0.2.10/users/2") == ("200", "Grace\n")


def test_mail_from_the_internet_is_read_inside(arranged):
    subject = f"for {arranged.layout}"
    words = ["swaks", "--server", "192.0.2.10", "--to", "user@one.example", "--from", "ada@out.example"]
    words += ["--helo", "client.example", "--timeout", "20", "--h-Subject", subject]
    done = arranged.lab["internet"].command(*words, check=False)
    assert done.returncode == 0, done.stdout
    message = until(lambda: arranged.lab["lan"].here(read_by_imap, subject), "message in the mailbox", 20)
    assert "by mx.one.example with ESMTP" in message["Received"] + "".join(message.get_all("Received"))


def read_by_imap(subject: str) -> email.message.Message | None:
    """The message of that subject, if Dovecot has it."""
    with imaplib.IMAP4("10.0.0.6", 143, timeout=10) as box:
        box.login("user", "secret")
        box.select("INBOX", readonly=True)
        _, found = box.search(None, "SUBJECT", f'"{subject}"')
        numbers = found[0].split()
        if not numbers:
            return None
        _, parts = box.fetch(numbers[-1].decode(), "(RFC822)")
    return email.message_from_bytes(parts[0][1])


# ---- what does not


@pytest.mark.parametrize("source", ["internet", "front", "beside", "lan"])
def test_without_rules_the_scanner_finds_every_door(arranged, source):
    opened, closed = arranged.without_rules[source]
    assert opened == set(arranged.targets(source, DOORS))
    assert closed == set()


def test_from_the_internet_nothing_else_answers(arranged):
    opened, closed = arranged.scan("internet")
    assert opened == {WEB, WEB6, MX}
    assert closed == set()
    assert arranged.heard("internet") == set()


@pytest.mark.parametrize(
    ("user", "opened", "closed", "heard"),
    [
        # Upstreams are the broker's alone. DNS is declared, and nobody listens there by TCP.
        (BROKER, INSIDE | {FEED}, {DNS}, {("users", 53)}),
        (WORKERS, set(), set(), set()),
        (0, {FEED}, {DNS}, {("users", 53)}),
    ],
    ids=["broker", "workers", "root"],
)
def test_from_the_front_end_only_declared_pairs(arranged, user, opened, closed, heard):
    assert arranged.scan("front", user=user) == (opened, closed)
    assert arranged.heard("front", user=user) == heard


def test_from_another_machine_of_the_dmz_nothing(arranged):
    assert arranged.scan("beside") == (set(), set())
    assert arranged.heard("beside") == set()


@pytest.mark.parametrize("source", ["front", "beside", "internet"])
def test_nobody_outside_reaches_the_user_database(arranged, source):
    database = [("10.0.0.7", 5432), ("fd00:10::7", 5432)]
    assert arranged.lab[source].here(scanner.tcp, database) == (set(), set())
    assert arranged.lab["web"].here(scanner.tcp, database) == (set(database), set())


def outwards(arranged: Arranged, source: str) -> set[scanner.Target]:
    """What a machine of the inside finds beyond its own wire, and what it hears of it by UDP."""
    opened, closed = arranged.scan(source, USUAL)
    inside = {name for name, machine in arranged.lab.machines.items() if set(machine.legs) == {"int"}}
    own = {a for name in inside for version in (4, 6) for a in arranged.lab[name].addresses(version)}
    assert {name for name, _ in arranged.heard(source)} <= inside
    assert {target for target in closed if target[0] not in own} == set()
    return {target for target in opened if target[0] not in own}


def test_nothing_new_from_inside(arranged):
    assert outwards(arranged, "lan") == set()
    assert outwards(arranged, "web") == set()


def test_but_administration(arranged):
    opened = outwards(arranged, "admin")
    assert {port for _, port in opened} == {22}
    for machine, version in (("front", 4), ("front", 6), ("beside", 4), ("outer", 4), ("outer", 6)):
        assert opened & {(address, 22) for address in arranged.lab[machine].addresses(version)}
    assert {("10.0.0.1", 22), ("fd00:10::1", 22)} <= opened
    assert not of(opened, "203.0.113.1")


# ---- each line alone


def test_the_firewalls_hold_when_the_front_end_has_no_rules(arranged):
    arranged.load(*ROLES[arranged.layout])
    try:
        opened, closed = arranged.scan("front", USUAL)
        beside = {(a, port) for v in (4, 6) for a in arranged.lab["beside"].addresses(v) for port in DOORS}
        assert opened == INSIDE | {FEED} | beside
        assert {target for target in closed if target[0] not in {a for a, _ in beside}} == {DNS}
        assert arranged.scan("internet", USUAL) == ({WEB, WEB6, MX}, set())
    finally:
        arranged.load()


def test_the_front_end_holds_when_the_firewalls_have_no_rules(arranged):
    arranged.load("front")
    try:
        assert arranged.scan("front", USUAL, BROKER) == (INSIDE | {FEED}, {DNS})
        assert arranged.heard("front", user=BROKER) == {("users", 53)}
        opened, closed = arranged.scan("internet", USUAL)
        ours = {a for v in (4, 6) for a in arranged.lab["front"].addresses(v)}
        assert {target for target in opened | closed if target[0] in ours} == {WEB, WEB6, MX}
    finally:
        arranged.load()


# ---- addresses that are not one's own


def test_an_administrators_address_on_the_internet(arranged):
    """Also where the outer firewall knows no way inside, so that the way back leads to the impostor."""
    internet, outer = arranged.lab["internet"], arranged.lab["outer"]
    internet.command("ip", "address", "add", "10.0.0.200/32", "dev", "ext")
    outer.command("ip", "route", "add", "default", "via", "203.0.113.66")
    try:
        assert impostor(arranged) == set()
        if arranged.layout == "dual":
            outer.command("ip", "route", "delete", "10.0.0.0/24")
            assert impostor(arranged) == set()
            outer.command("ip", "route", "add", "10.0.0.0/24", "via", "192.0.2.2")
    finally:
        outer.command("ip", "route", "delete", "default", check=False)
        internet.command("ip", "address", "delete", "10.0.0.200/32", "dev", "ext")


def impostor(arranged: Arranged) -> set[scanner.Target]:
    targets = [t for t in arranged.targets("internet", DOORS) if ":" not in t[0] and t[0] != "10.0.0.200"]
    opened, closed = arranged.lab["internet"].here(scanner.tcp, targets, "10.0.0.200")
    return opened | closed


@pytest.mark.parametrize(
    ("machine", "address"),
    [("front", "10.0.0.5"), ("front", "192.0.2.12"), ("front", "203.0.113.77"), ("beside", "10.0.0.200"),
     ("internet", "10.0.0.5"), ("internet", "192.0.2.10")],
)  # fmt: skip
def test_one_way_with_a_borrowed_address(arranged, machine, address):
    """A machine that its own rules no longer hold sends under another's address; no answer is needed to do harm."""
    arranged.load(*ROLES[arranged.layout])
    borrower = arranged.lab[machine]
    borrower.command("ip", "address", "add", f"{address}/32", "dev", next(iter(borrower.legs)))
    try:
        # What is on the same wire has no firewall before it.
        assert {name for name, _ in arranged.heard(machine, address)} <= {"front", "beside"} - {machine}
        assert machine != "internet" or arranged.heard(machine, address) == set()
    finally:
        borrower.command("ip", "address", "delete", f"{address}/32", "dev", next(iter(borrower.legs)))
        arranged.load()


# ---- what has to pass all the same


def test_path_mtu_of_the_inside(arranged):
    """The link behind the firewall is narrow: its ICMP error has to reach the front end, or an upload hangs."""
    firewall = arranged.lab["inner" if arranged.layout == "dual" else "outer"]
    firewall.command("ip", "link", "set", "int", "mtu", "1280")
    try:
        status, _ = curl(
            arranged, "internet", "-X", "POST", "--data-binary", "x=" + "y" * 100_000, "http://192.0.2.10/"
        )
        assert status == "200"
    finally:
        firewall.command("ip", "link", "set", "int", "mtu", "1500")


@pytest.mark.parametrize("host", ["192.0.2.10", "[2001:db8:d::10]"])
def test_path_mtu_of_the_internet(arranged, host):
    outer = arranged.lab["outer"]
    outer.command("ip", "link", "set", "ext", "mtu", "1280")
    try:
        status, body = curl(arranged, "internet", f"http://{host}/files/large")
        assert (status, len(body)) == ("200", 300_000)
    finally:
        outer.command("ip", "link", "set", "ext", "mtu", "1500")


# ---- meters


CLIENTS = ("203.0.113.98/32", "203.0.113.99/32", "2001:db8:c::1/128", "2001:db8:c::2/128")


@pytest.fixture
def client(arranged):
    """Addresses of the Internet that nobody has used: two of IPv4, and two of one IPv6 /64."""
    internet, outer = arranged.lab["internet"], arranged.lab["outer"]
    for address in CLIENTS:
        internet.command("ip", "address", "add", address, "dev", "ext", *(["nodad"] if ":" in address else []))
    outer.command("ip", "route", "add", "2001:db8:c::/64", "via", "2001:db8:e::66")
    yield internet
    outer.command("ip", "route", "delete", "2001:db8:c::/64")
    for address in CLIENTS:
        internet.command("ip", "address", "delete", address, "dev", "ext")


def test_connections_of_one_client(arranged, client):
    """40 at once (limits.caps.connections_per_address, one worker), 50 a second and twice that at first."""
    assert client.here(scanner.held, WEB, 60, "203.0.113.98") == 40
    begun = time.monotonic()
    taken = sum(client.here(scanner.held, WEB, 30, "203.0.113.99") for _ in range(10))
    assert 100 <= taken <= 100 + 50 * (time.monotonic() - begun) + 1
    # Others are not concerned.
    assert client.here(scanner.held, WEB, 1, "203.0.113.66") == 1


def test_a_network_of_ipv6_is_one_client(arranged, client):
    first = client.here(lambda: list(scanner.connect([WEB6] * 30, "2001:db8:c::1")))
    assert [error for _, error, _ in first] == [0] * 30
    assert client.here(scanner.held, WEB6, 30, "2001:db8:c::2") == 10
    for _, _, sock in first:
        sock.close()


# ---- is it in force?


def check(arranged: Arranged) -> subprocess.CompletedProcess[str]:
    """`revproxy firewall --for host --check` on the front end's machine."""
    words = [sys.executable, "-m", "revproxy", "firewall", "--for", "host", "--check", "-c", str(arranged.config)]
    return arranged.lab["front"].command(*words, check=False)


def test_a_rule_too_many_is_seen(arranged):
    assert check(arranged).stdout == "table revproxy_host is in force as it should be\n"
    front = arranged.lab["front"]
    front.command(
        "nft", "insert", "rule", "inet", "revproxy_host", "from_external", "tcp", "dport", "31337", "accept"
    )
    try:
        done = check(arranged)
        assert (done.returncode, done.stdout) == (1, "+ chain from_external: tcp dport 31337 accept\n")
    finally:
        arranged.load()
    assert check(arranged).returncode == 0
