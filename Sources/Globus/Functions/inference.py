# Placeholder: the function that runs beside an inference server.
