"""datatrove's stock MinHash on one Parquet file: its four stages, one after the other, one task and one worker each.

Run by near_dedup_cpu.py in the peers' environment: python near_dedup_peer.py ROWS.parquet FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import JsonlWriter


def main() -> None:
    """Read, sign, match, cluster, filter, write."""
    rows, folder = Path(sys.argv[1]), Path(sys.argv[2])
    config = MinhashConfig()

    def read() -> ParquetReader:
        return ParquetReader(str(rows.parent), glob_pattern=rows.name, text_key="output", id_key="position_id")

    signatures, buckets, remove = (str(folder / name) for name in ("signatures", "buckets", "remove"))
    kept = JsonlWriter(str(folder / "kept"), compression=None)
    stages = (
        (1, [read(), MinhashDedupSignature(signatures, config)]),
        (config.num_buckets, [MinhashDedupBuckets(signatures, buckets, config=config)]),
        (1, [MinhashDedupCluster(buckets, remove, config=config)]),
        (1, [read(), MinhashDedupFilter(remove), kept]),
    )
    for number, (tasks, pipeline) in enumerate(stages):
        logs = str(folder / "logs" / str(number))
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=logs).run()


if __name__ == "__main__":
    main()
