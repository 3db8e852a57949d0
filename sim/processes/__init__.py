"""What happens in a day, a file for each phase.  A process is made with the model and run every day."""
