# Judges and rewritings that ask a model of `servers`: for each server and stage one job with the server and all its cells
# (experiments.served); included by the Snakefile.

for one in config["served"]:
    OWN = [tuple(place.split("/", 1)) for place in one["cells"]]
    SERVER = PROFILE.servers[one["server"]]
    NAME = f"served_{one['stage']}_{one['server']}"

    rule:
        name:
            NAME
        input:
            sorted({path for own in OWN for path in manifests(CELLS[own].inputs.values())}),
        output:
            manifests([CELLS[own] for own in OWN]),
        params:
            command=shlex.join([sys.executable, "-m", "experiments.served", one["plan"]]),
        log:
            f"logs/{NAME}.log",
        threads: PROFILE.threads * SERVER.side_by_side
        resources:
            mem_mb=growing(SERVER.needs.memory_mb),
            runtime=growing(SERVER.needs.minutes),
            gpu=SERVER.needs.gpus,
        shell:
            RUN

    if not config["lanes"]:
        workflow.ruleorder(NAME, one["stage"])
