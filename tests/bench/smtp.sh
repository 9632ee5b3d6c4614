#!/bin/sh
# ./dev bench smtp: how fast mail is accepted, and accepted and delivered, beside Debian's Postfix and
# beside the generator talking straight to the sink. ROUNDS (5), BENCH_SECONDS (3) and BENCH_DIR
# (/var/tmp: where queues lie) may be set; BENCH_ONLY names scenarios, BENCH_SERVERS servers.
set -eu
cd "$(dirname "$0")/../.."
exec /usr/bin/python3 tests/bench/smtp.py
