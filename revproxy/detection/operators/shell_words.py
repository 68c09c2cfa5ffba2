"""Names of programs, by how much they say: the vocabulary of `shell_tokens`.

`PLAIN` are names that are no words of any language: with an operand of a program's kind they are a command wherever
one may begin. `COMMON` are also ordinary words (cat, find, time): they need more. `ALONE` say enough behind a
separator without any operand. Nothing here reads values.
"""

from __future__ import annotations

from typing import Final

ALONE: Final = frozenset(
    b"crontab dmesg getent hostnamectl htop ifconfig iostat ipconfig lastlog lsblk lscpu lsof lsusb "
    b"netstat nslookup printenv pwd systeminfo tasklist uname vmstat whoami".split()
)
PLAIN: Final = frozenset(
    b"aa-disable aa-exec ansible ansible-config ansible-console ansible-doc ansible-galaxy ansible-inventory "
    b"ansible-playbook ansible-pull ansible-vault aoss apt-get aria2c ash awk aws base32 base64 basenc bash "
    b"bsdtar busctl busybox bzcat bzip2 c89 c99 certutil chef-client chef-run chef-shell chef-vault chgrp chmod "
    b"choom chown chroot cmd.exe cmp cobc cpan cpio cpulimit crontab cscli csh csplit csvtool curl dash dd "
    b"debugfs df dialog diff dirname dmesg dmidecode dmsetup docker dosbox dpkg dvips easy_install egrep emacs "
    b"eqn etags ex exiftool fdisk ffmpeg fgrep ftp gawk gcc gcore gdb genie getent ghc ghci gimp git gpg grep "
    b"gunzip gzip hexdump hexedit hping3 htop iconv id ifconfig iftop igawk ionice iostat ip iptables irb jjs "
    b"journalctl jq jrunscript kill killall ksh ksshell kubectl last lastb ldconfig ldd lftp links ln loginctl "
    b"logsave ls lsattr lsblk lsof ltrace lua lwp-download lwp-request lynx lzma mawk md5sum mkdir mkfifo mknod "
    b"mktemp mosquitto mv mysql mysqldump nasm nawk nc nc.openbsd nc.traditional ncat netcat netstat nft nginx "
    b"nl nmap node nohup npm npx nroff nsenter octave od openssl openvpn passwd pdb perf perl pgrep php php-fpm "
    b"pic pip pip3 pkexec pkill podman powershell pr ps psql ptx pwd poweroff pwsh python python2 python3 rbash "
    b"readelf readlink realpath reboot rev rlogin rlwrap rm rmdir rmt rmt-dump rpm rsh rsync ruby rustc rview "
    b"rvim s_client sash scp sed service setarch setfacl sftp sh sha1sum sha256sum shuf shutdown socat sqlite3 "
    b"ssh sshpass stdbuf strace strings su sudo sysctl systemctl tac tar taskset tclsh tcpdump telnet tftp "
    b"tmate tmux touch truncate tshark udevadm ul uname uniq unzip useradd userdel usermod uudecode uuencode "
    b"valgrind vi view vigr vim vipw visudo vmstat wc wget wget2 whoami xargs xdotool xmodmap xmore xxd xz yarn "
    b"yum zcat zip zsh zsoelim zypper".split()
)
COMMON: Final = frozenset(
    b"alias apt arp at bridge cancel cat check column comm command cp cut date dig dir echo ed env eval exec "
    b"expand expect export facter file find finger flock fmt fold fping function hash head help history host "
    b"hostname install join less look mail make man more mount mtr nice nslookup paste ping ping6 printenv "
    b"printf pry puppet rake red restic run sar screen script set shift sleep snap soelim sort source split "
    b"start start-stop-daemon tail task tee test time timeout top tr traceroute type ulimit unexpand unlink "
    b"unset up wall watch who whois write yes zgrep".split()
)
TOOLS: Final = frozenset(
    b"ansible ansible-playbook docker ffmpeg gcc ghc git kubectl npm npx nginx node openssl pip pip3 podman rustc "
    b"sqlite3 systemctl vi view vim yarn yum apt-get dpkg".split()
)
"""Those of `PLAIN` that people write about, with operands: where nothing opens a command they need more."""
WRAPPERS: Final = frozenset(
    b"! builtin busybox command do doas else env exec if ionice ltrace nice nohup setsid stdbuf strace sudo then "
    b"time timeout unbuffer while xargs".split()
)
"""What has a command for its operand."""
SHELLS: Final = frozenset(b"sh bash zsh ksh csh dash ash rbash cmd cmd.exe powershell pwsh".split())
KNOWN: Final = PLAIN | COMMON | ALONE | SHELLS
PROSE: Final = frozenset(
    b"dash dialog diff ex genie gimp git id kill last links nl node octave passwd perf perl php pic pip pr python "
    b"rev ruby sash screen service strings su tar touch truncate view yarn".split()
)
"""Those of `PLAIN` that text begins with too, behind a bar or a semicolon."""
FOLLOWING: Final = frozenset(b"df id ls lsof poweroff ps reboot".split())
"""Enough without an operand, where nothing but an operand and a separator stand before."""
SUBCOMMANDS: Final = frozenset(
    b"apply build clone cp delete describe exec get i images inspect install logs ps pull push remove restart rm run "
    b"start status stop uninstall update upgrade".split()
)
"""Of `TOOLS`."""
NETWORK: Final = frozenset(
    b"curl dig ftp lftp lynx nc ncat netcat nmap nslookup ping ping6 rsync scp sftp ssh telnet tftp traceroute "
    b"wget".split()
)
"""What is given the name of another host."""
RAISING: Final = frozenset(b"busybox doas nohup setsid sudo".split())
"""Those of `WRAPPERS` that are no words."""
ELEMENTS: Final = frozenset(
    b"a abbr address article aside b blockquote body br button caption center cite code dd del div dl dt em "
    b"figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i ins kbd label legend li main "
    b"mark nav ol option p pre q s section select small span strike strong sub summary sup table tbody td "
    b"textarea tfoot th thead title tr tt u ul var".split()
)
"""Of HTML, around text: their tags are no redirections."""
FOLDERS: Final = frozenset(b"etc bin sbin usr var tmp proc dev home root opt sys lib mnt srv boot run".split())
"""At the root of a Unix system."""
WELL_KNOWN_PATHS: Final = tuple(
    tuple(path.split(b"/"))
    for path in (
        b"etc/passwd",
        b"etc/shadow",
        b"etc/hosts",
        b"etc/group",
        b"etc/issue",
        b"etc/crontab",
        b"etc/hostname",
        b"proc/self/environ",
        b"proc/version",
        *(b"bin/" + name for name in b"cat ls sh bash nc id ping rm cp ps uname tac head tail more less".split()),
        *(
            b"usr/bin/" + name
            for name in b"cat ls id nc curl wget whoami perl python python3 php ruby uname tail head base64".split()
        ),
    )
)
"""Paths that patterns of file names are held against."""
