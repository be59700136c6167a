"""Training of the shipped sets: one stage, one file, one command each; `run.sh` runs them in order."""
