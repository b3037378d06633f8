# make run     everything, at http://127.0.0.1:8000 (HOST and PORT choose another address)
# make test    everything that is tested
# make test-all  the same with every random suite at full length (under an hour)
# make bench   the table of measurements
# make setup   prepare both without starting anything
SHELL := /bin/sh
.PHONY: run test test-all bench setup
PREPARE = python=$$(sh scripts/find_python.sh) && "$$python" scripts/prepare.py

run:
	@$(PREPARE) run && exec .venv/bin/python manage.py serve

setup:
	@$(PREPARE) run && $(PREPARE) test && echo "Ready: make run, make test"

test:
	@$(PREPARE) test && exec .venv/bin/python -m scripts.check fast

test-all:
	@$(PREPARE) test && exec .venv/bin/python -m scripts.check all

bench:
	@$(PREPARE) bench && exec .venv/bin/python -m benchmarks
