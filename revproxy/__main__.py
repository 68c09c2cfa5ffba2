"""`python -m revproxy` is `revproxy`."""

from revproxy.cli import main

if __name__ == "__main__":
    main()
