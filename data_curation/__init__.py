"""Building response datasets: collect, curate, mix; every row kept, dropped or quarantined with a reason."""
