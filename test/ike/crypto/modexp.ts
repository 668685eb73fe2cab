// Modular exponentiation in the open, for checks: slow, and its time tells the exponent.

export function modexp(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let [b, e] = [base % modulus, exponent]; e > 0n; e >>= 1n, b = (b * b) % modulus) {
    if (e & 1n) result = (result * b) % modulus;
  }
  return result;
}

/** Big-endian octets of a given length. */
export function octetsOf(value: bigint, octets: number): Uint8Array {
  return new Uint8Array(Buffer.from(value.toString(16).padStart(2 * octets, '0'), 'hex'));
}
