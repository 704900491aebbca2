"""Requirements of an instruction, one by one, by a language model (InFoBench)."""
