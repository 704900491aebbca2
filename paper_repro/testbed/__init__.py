"""The testbed: a generated world, base models pre-trained on it, and exact judges; the paper's studies, small."""
