import { describe } from 'vitest';
import { strongswanMatrix } from './strongswan-matrix.ts';

describe('strongSwan, IKEv2', () => strongswanMatrix(2));
