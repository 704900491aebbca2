# All cells before the report, in a few processes: one rule, included by the Snakefile. Its outputs are the manifests of
# the cells that are not done yet; `experiments.lanes` decides their order.
LANES = config["lanes"]

if config["in_lanes"]:

    ruleorder: lanes > score

    rule lanes:
        output:
            [f"{place}/manifest.json" for place in config["in_lanes"]],
        params:
            command=shlex.join([sys.executable, "-m", "experiments.lanes", config["plan"], "--lanes", str(LANES)]),
        log:
            "logs/lanes.log",
        threads: LANES * PROFILE.threads
        resources:
            mem_mb=1500 * LANES,
            runtime=24 * 60,
        shell:
            RUN
