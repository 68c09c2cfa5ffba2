#!/bin/sh
# Prints the Python to measure with: Debian's, which is the one of the image, where it is there with all that a build
# needs; otherwise the one that is given. What was built from source without --enable-optimizations is slower by about
# 15 %.
whole='
import ensurepip, os, sys, sysconfig, venv
header = os.path.join(sysconfig.get_path("include"), "Python.h")
sys.exit(sys.version_info < (3, 11) or not os.path.exists(header))
'
if /usr/bin/python3 -c "$whole" 2>/dev/null; then
    echo /usr/bin/python3
else
    echo "$1"
fi
