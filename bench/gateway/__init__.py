"""The gateway benchmark: t0 and its peers in front of one mock provider, on one machine, in one run.

    python -m bench.gateway --quick --json result.json

Every case is offered to the mock alone and to each gateway in turns, round after round, so that what else the machine
does meets all of them alike. Figures are therefore compared within a round.
"""
