"""What happens in a day, a file for each phase.  A process is made once with the model and then run every day."""
