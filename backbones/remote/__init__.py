"""Texts from vLLM servers: merges as adapters that they load, each server and what it holds, texts for many callers."""
