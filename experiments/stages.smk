# A process for every cell: one rule a stage, included by the Snakefile.


rule collect:
    input:
        upstream("collect"),
    output:
        MANIFEST.format(stage="collect"),
    params:
        command=command("collect"),
    log:
        "logs/collect/{cell}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    shell:
        RUN


rule testbed_data:
    input:
        upstream("testbed-data"),
    output:
        MANIFEST.format(stage="testbed-data"),
    params:
        command=command("testbed-data"),
    log:
        "logs/testbed-data/{cell}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    shell:
        RUN


rule testbed_faults:
    input:
        upstream("testbed-faults"),
    output:
        MANIFEST.format(stage="testbed-faults"),
    params:
        command=command("testbed-faults"),
    log:
        "logs/testbed-faults/{cell}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    shell:
        RUN


rule curate:
    input:
        upstream("curate"),
    output:
        MANIFEST.format(stage="curate"),
    params:
        command=command("curate"),
    log:
        "logs/curate/{cell}.log",
    threads: PROFILE.threads
    resources:
        mem_mb=2000,
        runtime=60,
    shell:
        RUN


rule mix:
    input:
        upstream("mix"),
    output:
        MANIFEST.format(stage="mix"),
    params:
        command=command("mix"),
    log:
        "logs/mix/{cell}.log",
    threads: PROFILE.threads
    resources:
        mem_mb=3000,
        runtime=10,
    shell:
        RUN


rule train:
    input:
        upstream("train"),
    output:
        MANIFEST.format(stage="train"),
    params:
        command=command("train"),
    log:
        "logs/train/{cell}.log",
    threads: PROFILE.threads
    resources:
        mem_mb=3000,
        runtime=60,
    shell:
        RUN


rule generate:
    input:
        upstream("generate"),
    output:
        MANIFEST.format(stage="generate"),
    params:
        command=command("generate"),
    log:
        "logs/generate/{cell}.log",
    threads: PROFILE.threads
    resources:
        mem_mb=2500,
        runtime=60,
    shell:
        RUN


rule judge:
    input:
        upstream("judge"),
    output:
        MANIFEST.format(stage="judge"),
    params:
        command=command("judge"),
    log:
        "logs/judge/{cell}.log",
    threads: PROFILE.threads
    resources:
        mem_mb=3000,
        runtime=10,
    shell:
        RUN


rule capabilities:
    input:
        upstream("capabilities"),
    output:
        MANIFEST.format(stage="capabilities"),
    params:
        command=command("capabilities"),
    log:
        "logs/capabilities/{cell}.log",
    threads: PROFILE.threads
    resources:
        mem_mb=3000,
        runtime=60,
    shell:
        RUN
