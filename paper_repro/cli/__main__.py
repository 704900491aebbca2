"""`python -m paper_repro.cli`: the same as `rt`, for launchers that want a module (`accelerate launch -m`)."""

from paper_repro.cli import main

main()
