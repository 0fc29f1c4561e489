"""C{python -m smtpeter}: the command line."""

from smtpeter.cli.main import main

if __name__ == "__main__":
    main()
