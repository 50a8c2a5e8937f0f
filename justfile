# Shortcuts. `just` alone lists them; each one is a script or one command that works without just.

bin := justfile_directory() / ".venv/bin"

# List the recipes.
default:
    @just --list

# Make .venv ready for development.
setup:
    sh scripts/setup dev

# Linter, format, types, contracts, tidy and fast tests.
check *args:
    sh scripts/check {{ args }}

# Everything, slow tests and Debian packages included.
test *args:
    sh scripts/test {{ args }}

# Repair what the linter and the formatter can repair.
fix: setup
    "{{ bin }}/ruff" check --fix .
    "{{ bin }}/ruff" format .

# The demo: embedded database, paper venue, dashboard.
demo *args:
    sh scripts/demo {{ args }}

# Branch coverage; floors 0 and 1 must be covered whole.
cover: setup
    "{{ bin }}/coverage" erase
    "{{ bin }}/pytest" -m "not slow and not debian" --cov --cov-report=term:skip-covered
    "{{ bin }}/coverage" report --fail-under=100 --include='src/fillbook/domain/*,src/fillbook/accounting/*'

# Pin every dependency again, with hashes. Needs uv.
pins:
    uv pip compile --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-header pyproject.toml -o requirements/core.txt
    uv pip compile --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-header --group build --group dev -c requirements/core.txt pyproject.toml -o requirements/dev.txt
    uv pip compile --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-header --group build -c requirements/dev.txt pyproject.toml -o requirements/demo.txt
    uv pip compile --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-header --group bench -c requirements/dev.txt pyproject.toml -o requirements/bench.txt
    uv pip compile --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-header --group clients -o requirements/clients.txt

# Run every benchmark that is there.
bench *args: setup bench-kernel
    "{{ bin }}/python" -m benchmarks.backfill {{ args }}
    "{{ bin }}/python" -m benchmarks.commands
    "{{ bin }}/python" -m benchmarks.disk
    "{{ bin }}/python" -m benchmarks.ledger
    "{{ bin }}/python" -m benchmarks.server_settings
    "{{ bin }}/python" -m benchmarks.limited 4000 50
    "{{ bin }}/python" -m benchmarks.note 1500
    sh scripts/clients
    "{{ bin }}/python" -m benchmarks.ccxt_contrast
    "{{ bin }}/python" -m benchmarks.memory 100000

# The kernel beside what people use today, which is installed into an environment of its own.
bench-kernel: setup
    test -d artifacts/bench || "{{ bin }}/python" -m venv artifacts/bench
    artifacts/bench/bin/python -m pip install --quiet --require-hashes -r requirements/bench.txt
    PYTHONPATH=src artifacts/bench/bin/python -m benchmarks.fifo
    PYTHONPATH=src artifacts/bench/bin/python -W ignore -m benchmarks.peers
