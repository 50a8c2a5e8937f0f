"""The service as a process of its own: the same as `fillbook run`, with its options."""

import sys


def main() -> None:
    """Run until stopped; every known error is one sentence and an exit code."""
    from fillbook.errors import FillbookError
    from fillbook.faces.cli import app

    try:
        app(["run", *sys.argv[1:]], prog_name="fillbook")
    except FillbookError as error:
        sys.stderr.write(f"fillbook: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("fillbook: stopped.\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
