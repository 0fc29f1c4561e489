"""What every implementation of a boundary must do, whoever wrote it."""
