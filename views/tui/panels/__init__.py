"""The screens of the terminal view, one file each."""
