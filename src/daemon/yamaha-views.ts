// What `show` of the other dialect is made of: numbers of its own, and the kernel's routes.
import { lanOf } from '../dialect/yamaha/slots.ts';
import { kernelRoutes } from '../host/iproute.ts';
import { ikeView, tunnelView } from '../show/view.ts';
import {
  type Language,
  type Numbers,
  type RouteView,
  showGateway,
  showGatewayDetail,
  showRoutes,
  showSa,
  showTunnel,
} from '../show/yamaha.ts';
import type { Router } from './router.ts';

type View = { readonly data: unknown; readonly text: string };

/** Tunnel 1 is ipsec0; its policy and gateway as the configuration numbers them. */
export function numbersOf({ tree }: Router, connection: string): Numbers {
  const n = Number(/\d+$/.exec(connection)?.[0] ?? 0);
  const at = `interface.${connection}.yamaha`;
  const own = (leaf: string, usual: number) =>
    Number(connection.startsWith('ipsec') ? (tree.value(`${at}.${leaf}`) ?? usual) : usual);
  return { tunnel: n + 1, gateway: own('gateway', n + 1), policy: own('policy', n + 101) };
}

/** A view by the words behind `show`; undefined where there is none. */
export async function yamahaView(
  router: Router,
  what: string,
  language: Language,
): Promise<View | undefined> {
  const source = {
    ike: ikeView(router.source),
    tunnels: tunnelView(router.source),
    numbers: (c: string) => numbersOf(router, c),
  };
  if (what === 'ipsec sa') return { data: source, text: showSa(source) };
  const gateway = /^ipsec sa gateway(?: (\d+)( detail)?)?$/.exec(what);
  if (gateway) {
    const number = gateway[1] === undefined ? undefined : Number(gateway[1]);
    const data =
      number === undefined
        ? source.tunnels
        : source.tunnels.filter((t) => source.numbers(t.connection).gateway === number);
    const detail = gateway[2] !== undefined && number !== undefined;
    return { data, text: detail ? showGatewayDetail(source, number) : showGateway(source, number) };
  }
  const tunnel = /^status tunnel(?: (\d+))?$/.exec(what);
  if (tunnel) {
    const data = source.tunnels.filter(
      ({ connection }) =>
        connection.startsWith('ipsec') &&
        (tunnel[1] === undefined || source.numbers(connection).tunnel === Number(tunnel[1])),
    );
    const now = new Date();
    const text = data
      .map((v) => showTunnel(v, source.numbers(v.connection).tunnel, language, now))
      .join('\n');
    return data.length > 0 ? { data, text } : undefined;
  }
  if (what !== 'ip route') return undefined;
  const data = await routes(router);
  return { data, text: showRoutes(data, language) };
}

async function routes(router: Router): Promise<RouteView[]> {
  const links = router.desired?.links ?? [];
  return (await kernelRoutes()).map(({ destination, gateway, device, own }) => {
    const link = links.find((l) => l.device === device);
    const tunnel = /^ipsec(\d+)$/.exec(device);
    const name = tunnel ? `TUNNEL[${Number(tunnel[1]) + 1}]` : link ? lanOf(link.name).toUpperCase() : device;
    return {
      destination,
      gateway: gateway || '-',
      interface: name || '-',
      kind: own ? 'static' : 'implicit',
    };
  });
}
