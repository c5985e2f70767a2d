"""`POST /feedback`: what people and evaluators say of inferences and episodes."""
