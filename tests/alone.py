"""What a command begins with that is to reach nobody: a network of its own, with nothing but loopback. Needs root."""

ALONE = ("unshare", "--net", "sh", "-c", 'PATH="$PATH:/usr/sbin:/sbin"; ip link set lo up; exec "$@"', "sh")
