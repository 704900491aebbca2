# A process for every cell: one rule a stage, included by the Snakefile.

for stage in {cell.stage.name: cell.stage for cell in CELLS.values() if cell.stage.name not in ALONE}.values():

    rule:
        name:
            stage.name.replace("-", "_")
        input:
            upstream(stage.name),
        output:
            MANIFEST.format(stage=stage.name),
        params:
            command=command(stage.name),
        log:
            f"logs/{stage.name}/{{cell}}.log",
        threads: PROFILE.threads if stage.threaded else 1
        resources:
            mem_mb=needed(stage.name, "memory_mb"),
            runtime=needed(stage.name, "minutes"),
            gpu=stage_needs(PROFILE, stage.name).gpus,
        shell:
            RUN
