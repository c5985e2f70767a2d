export const tensorzero_evaluator = () => 1;
