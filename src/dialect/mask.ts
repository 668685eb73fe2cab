/** Stands for a secret in what people see; refused as a value when it comes back. */
export const MASK = '********';
