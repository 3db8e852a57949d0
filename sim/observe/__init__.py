"""What is looked at and kept: the recorder, the outcomes and the results folder."""
