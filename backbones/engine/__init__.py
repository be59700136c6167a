"""The engine: a 4-bit base with all adapters of a set beside its layers, batches, texts for many callers."""
