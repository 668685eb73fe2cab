// Keys that SEIL has (dialects.md A.2, A.4 to A.6): carried out, or refused by their names, and none is "no key".
import { describe, expect, test } from 'vitest';
import { parseSeil } from '../../../src/dialect/seil/parse.ts';

/** `key : value` a line; a key without a value is tried with a word. */
const KNOWN = `
interface.ge0.description : wan
interface.ge0.ipv4.address : dhcp
interface.ge1.ipv4.alias.0.address : 192.168.9.1/24
interface.ge0.ipv6.address : router-advertisement
interface.ge1.ipv6.alias.0.address : fd00::2/64
interface.ge0.ipv4.tcp-mss : auto
interface.ge0.ipv6.tcp-mss : auto
interface.ge0.mtu : 1500
interface.ge0p0.media : auto
interface.ge1p3.media : 100baseTX
interface.vlan0.vid : 10
interface.vlan0.over : ge1
interface.bridge0.member.0.interface : ge0
interface.bridge0.forward.ipv4 : enable
interface.pppoe0.over : ge0
interface.pppoe0.id
interface.pppoe0.password
interface.pppoe0.ipcp.dns
interface.ppp0.apn
interface.ppp0.auto-reset-keepalive.interval
interface.tunnel0.ipv4.source : 10.0.0.1
interface.tunnel0.ipv6.dslite.aftr
interface.pppac0.l2tp.service : enable
interface.pppac0.ipcp.pool.0.address
interface.pppac0.authentication.0.user.0.name
route.ipv4.0.destination : default
route.ipv4.0.gateway : pppoe0
route.ipv4.1.gateway : discard
route.ipv4.1.distance : 2
route.ipv4.0.keepalive.service : enable
route.ipv4.0.keepalive.source.address
route.ipv6.0.gateway : router-advertisement
route.ipv6.0.router-advertisement-interface : ge0
bgp.my-as-number : 65000
bgp.neighbor.0.address
bgp.ipv4.redistribute-from.static
ospf.service : enable
ospf6.service : enable
rip.service : enable
ripng.service : enable
vrrp.vrouter.0.vrid
router-advertisement.0.interface : ge1
nat.ipv4.napt.0.private : 192.168.1.0-192.168.1.255
nat.ipv4.napt.0.interface : ge0
nat.ipv4.napt.0.global : 192.0.2.1
nat.ipv4.napt.global : 192.0.2.1
nat.ipv4.snapt.0.protocol : tcp
nat.ipv4.snapt.0.listen.port : 80
nat.ipv4.snapt.0.listen.address : 192.0.2.1
nat.ipv4.snapt.0.forward.address : 192.168.1.2
nat.ipv4.snapt.0.forward.port : 80
nat.ipv4.snat.0.private
nat.ipv4.snat.0.interface : ge0
nat.ipv4.dnat.0.private.0.address
nat.ipv4.dnat.0.global.0.address
nat.ipv4.bypass.0.interface
nat.ipv4.reflect.0.interface : ge1
nat.ipv4.timeout : 300
nat.ipv4.timeout.tcp-synonly : 30
nat.ipv4.timeout.udp : 30
nat.ipv4.option.port-assignment
nat.ipv4.option.limit.session-per-ip
nat.proxy.sip.0.port
nat.ipv6.0.type : ngn
upnp.service : enable
upnp.listen.0.interface : ge1
filter.ipv4.0.interface : any
filter.ipv4.0.direction : inout
filter.ipv4.0.action : pass
filter.ipv4.0.protocol : tcp
filter.ipv4.0.icmp-type : 8
filter.ipv4.0.source.address : 192.168.0.0/16
filter.ipv4.0.source.port : 1-10
filter.ipv4.0.destination.address : 10.0.0.1
filter.ipv4.0.destination.port : 80
filter.ipv4.0.ipopts
filter.ipv4.0.state : enable
filter.ipv4.0.state.ttl : 300
filter.ipv4.0.keepalive : enable
filter.ipv4.0.logging : on
filter.ipv4.0.label : x
filter.ipv6.0.exthdr
filter.ipv6.0.keepalive : enable
filter.forward.ipv4.0.gateway : 10.0.0.1
filter.bridge.ipv4.0.action
macfilter.entry.0.action
qos.service : enable
qos.interface.0.interface
hostname : r
option.timezone : JST
option.ipv4.redirect.service
dhcp.server.service : enable
dhcp.server.0.interface : ge1
dhcp.server.0.pool.address : 192.168.1.10/24
dhcp.server.0.pool.count : 5
dhcp.server.0.expire : 24
dhcp.server.0.gateway : 192.168.1.1
dhcp.server.0.dns.0.address : 192.168.1.1
dhcp.server.0.domain : example.jp
dhcp.server.0.ntp.0.address : 192.168.1.1
dhcp.server.0.wins-server.0.address
dhcp.server.0.wins-node.type
dhcp.server.0.wpad.url
dhcp.server.0.ignore-unknown-request : enable
dhcp.server.0.static.entry.0.mac-address : 02:00:5e:00:00:01
dhcp.server.0.static.entry.0.ip-address : 192.168.1.20
dhcp.server.0.static.external.url
dhcp.relay.service : enable
dhcp.relay.0.server.0.address
dhcp6.client.service : enable
dns-forwarder.service : enable
dns-forwarder.0.address : ipcp
dns-forwarder.listen.0.interface : ge1
resolver.service : enable
resolver.0.address : 192.0.2.1
resolver.domain : example.jp
resolver.host-database.0.hostname : a
resolver.host-database.0.address : 192.0.2.1
ntp.service : enable
ntp.server : enable
ntp.client.0.address : 192.0.2.1
syslog.remote.server.0.ipv4.address : 192.0.2.1
syslog.remote.server.0.port : 514
syslog.remote.server.0.facility : local1
syslog.remote.server.0.hostname : r
syslog.remote.server.0.log-level : info
syslog.remote.server.0.source.ipv4.address : 192.0.2.2
syslog.remote.server.0.sequence-number : enable
syslog.remote.server.0.alternate-timestamp : enable
syslog.memory-block.0.function : ipf
sshd.service : enable
sshd.password-authentication : enable
sshd.hostkey
sshd.authorized-keys.0.pubkey
telnetd.service : disable
terminal.login-timer : 300
terminal.pager : enable
login.admin.encrypted-password
monitor.service : enable
monitor.ping.0.trigger.0.event : up
snmp.service : enable
snmp.trap.host.0.address
arp.0.ipv4-address
proxyarp.0.interface
application-gateway.service`
  .trim()
  .split('\n');

describe('a key of SEIL', () => {
  test.each(KNOWN)('%s', (line) => {
    const { errors } = parseSeil(line.includes(' : ') ? line : `${line} : word`);
    expect(errors.filter((m) => m.code === 'unknown-key')).toEqual([]);
    for (const { message } of errors) expect(message).toMatch(/\.$/);
  });

  test('that is not built says what to do instead, and not what it looks like', () => {
    const message = (line: string) => parseSeil(line).errors[0]?.message;
    expect(message('rip.service : enable')).toBe(
      'rip.service is known but not built yet: give static routes.',
    );
    expect(message('interface.pppoe0.password : secret')).toBe(
      'interface.pppoe0.password is known but not built yet: connect by DHCP or a static address, behind the router of the provider.',
    );
    expect(message('route.ipv4.0.gateway : pppoe0')).toMatch(
      /^route\.ipv4\.0\.gateway cannot be "pppoe0", an interface that is known but not built yet: it must be /,
    );
  });

  test('a word that only begins like one is none', () => {
    for (const line of ['ripe.service : enable', 'interface.pppoes.id : x', 'arpa.0 : x'])
      expect(parseSeil(line).errors[0].code).toBe('unknown-key');
  });
});
