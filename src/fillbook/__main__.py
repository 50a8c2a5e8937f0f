"""The `fillbook` command."""

import sys


def main() -> None:
    """Run a command; every known error is one sentence on standard error and an exit code."""
    from fillbook.errors import FillbookError  # imported here: start-up time is a promise
    from fillbook.faces.cli import app

    try:
        app()
    except FillbookError as error:
        sys.stderr.write(f"fillbook: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("fillbook: stopped.\n")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)


if __name__ == "__main__":
    main()
