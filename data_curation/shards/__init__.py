"""A recipe over more rows than memory holds: shard by shard through datatrove's executors, decisions as in memory."""
