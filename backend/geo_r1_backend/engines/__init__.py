"""Everything that runs a model, behind one batched Protocol (base.py), and what all engines share: prompts, answers, resize."""
