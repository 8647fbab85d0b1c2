"""From raw data to the book: the graph of tasks, the notebook runner, checks and set-up."""
