"""The door that the container image has: `python main.py backfill` is `fillbook backfill`."""

from fillbook.__main__ import main

if __name__ == "__main__":
    main()
