"""HTTP through the front end, beside nginx as a proxy and nginx + libmodsecurity with the CRS."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.measure import alternate, table, wrk
from bench.peers import CRS, Front, Peer, nginx_modsecurity, nginx_proxy, smtp_sink, web_server

PLAIN = """
request = function()
  return wrk.format("GET", "/page", {["Host"] = "www.example.org", ["User-Agent"] = "bench/1.0", ["Accept"] = "*/*"})
end
"""
# A browser's request of which query, cookie and referer never repeat.
BROWSER = """
local count = 0
math.randomseed(os.time())
local tag = string.format("%06x", math.random(0, 16777215))
request = function()
  count = count + 1
  local one = tag .. count
  return wrk.format("GET", "/shop/items?q=garden+chair+" .. one .. "&page=" .. count .. "&sort=price", {
    ["Host"] = "www.example.org",
    ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ["Accept-Language"] = "en-US,en;q=0.5",
    ["Accept-Encoding"] = "gzip, deflate, br",
    ["Referer"] = "https://www.example.org/shop/list?from=" .. one,
    ["Cookie"] = "session=" .. one .. "a8f3e2; theme=light; seen=" .. count,
    ["Upgrade-Insecure-Requests"] = "1",
    ["Sec-Fetch-Mode"] = "navigate",
  })
end
"""


def run(rounds: int, seconds: int) -> list[str]:
    """Both comparisons; the lines of their tables."""
    with tempfile.TemporaryDirectory(prefix="revproxy-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        peers: list[Peer] = []
        try:
            return _compare(folder, peers, rounds, seconds)
        finally:
            for peer in peers:
                peer.stop()


def _compare(folder: Path, peers: list[Peer], rounds: int, seconds: int) -> list[str]:
    def begin(peer: Peer) -> Peer:
        peers.append(peer)
        return peer

    plain, browser = folder / "plain.lua", folder / "browser.lua"
    plain.write_text(PLAIN)
    browser.write_text(BROWSER)
    inside, sink = begin(web_server(folder / "inside")), begin(smtp_sink(folder / "sink"))
    nginx = begin(nginx_proxy(folder / "nginx", inside.port))
    bare = begin(Front(folder / "bare", inside.port, sink.port, "off"))
    full = begin(Front(folder / "full", inside.port, sink.port, "enforce"))
    contestants = {
        "nginx, proxy": lambda: wrk(nginx.url, nginx.pids, seconds, 16, plain),
        "revproxy, no inspection": lambda: wrk(bare.url, bare.pids, seconds, 16, plain),
    }
    lines = table("1 kB GET without inspection", alternate(contestants, rounds), "nginx, proxy")
    contestants = {
        "nginx, proxy": lambda: wrk(nginx.url, nginx.pids, seconds, 16, browser),
        "revproxy, no inspection": lambda: wrk(bare.url, bare.pids, seconds, 16, browser),
    }
    lines += table("browser GET without inspection; no head repeats", alternate(contestants, rounds), "nginx, proxy")
    guarded = nginx_modsecurity(folder / "modsecurity", inside.port)
    inspected = {"revproxy, own signatures": lambda: wrk(full.url, full.pids, seconds, 16, browser)}
    if guarded is None:
        lines.append(f"\nleft out: nginx + libmodsecurity (no module, or no CRS in {CRS.name})")
        return lines + table("browser GET", alternate(inspected, rounds), "revproxy, own signatures")
    begin(guarded)
    inspected["nginx + libmodsecurity, CRS level 1"] = lambda: wrk(guarded.url, guarded.pids, seconds, 16, browser)
    base = "nginx + libmodsecurity, CRS level 1"
    return lines + table("browser GET; query, cookie and referer never repeat", alternate(inspected, rounds), base)
