// How long a run takes over each thing.
export type Pace = { rounds: number; tcpSeconds: number; floodSeconds: number; pings: number };

export const FULL: Pace = { rounds: 5, tcpSeconds: 3, floodSeconds: 2, pings: 50 };
export const QUICK: Pace = { rounds: 1, tcpSeconds: 2, floodSeconds: 1.5, pings: 25 };
