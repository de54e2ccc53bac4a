"""What a process should be: Petri nets, and PNML in and out."""
