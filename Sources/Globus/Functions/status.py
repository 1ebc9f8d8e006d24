# Placeholder: the function that tells which models run.
