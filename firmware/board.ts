// The boards an image can be built for, as data: what each one's image is made of.
import type { Early, Kept } from './kernel.ts';

export type Board = {
  readonly name: 'x86_64' | 'rpi';
  /** In Debian's words. */
  readonly architecture: 'amd64' | 'arm64';
  /** In npm's. */
  readonly node: 'x64' | 'arm64';
  /** In GCC's. */
  readonly triplet: string;
  /** Packages of the root, beside what Debian calls required. */
  readonly packages: readonly string[];
  readonly kernel: {
    readonly suite: string;
    /** Depends on the kernel of the day. */
    readonly package: string;
    readonly modules: Kept;
    /** What finds and opens the root. */
    readonly early: Early;
    /** Of our own, in the board's folder below `boot`. */
    readonly own: readonly string[];
  };
  /** Firmware for the board's chips. */
  readonly firmware: readonly string[];
};

/** Debian's release that roots are made of. */
export const SUITE = 'trixie';

const COMMON = [
  // the system itself
  'systemd systemd-sysv udev dbus kmod login passwd procps fdisk e2fsprogs dosfstools tzdata',
  // what the router speaks through
  'iproute2 nftables dnsmasq-base udhcpc chrony openssh-server iputils-ping iputils-tracepath tcpdump iperf3',
  // updates
  'rauc rauc-service',
  // what the native module is linked with
  'libstdc++6',
].flatMap((line) => line.split(' '));

/** Beside these folders, whole: those that a router's hardware needs. */
const MODULES: Kept = {
  folders: [
    'arch block crypto lib mm virt',
    'drivers/acpi drivers/ata drivers/block drivers/bus drivers/char drivers/clk drivers/cpufreq drivers/crypto drivers/dma',
    'drivers/extcon drivers/firmware drivers/gpio drivers/hid drivers/hwmon drivers/i2c drivers/input drivers/irqchip',
    'drivers/leds drivers/mailbox drivers/md drivers/mfd drivers/mmc drivers/net drivers/nvme drivers/nvmem drivers/pci',
    'drivers/phy drivers/pinctrl drivers/platform/x86 drivers/power drivers/ptp drivers/pwm drivers/regulator drivers/reset',
    'drivers/rtc drivers/scsi drivers/soc drivers/spi drivers/thermal drivers/tty drivers/usb drivers/virt drivers/virtio',
    'drivers/watchdog',
    'fs/ext4 fs/jbd2 fs/fat fs/nls fs/overlayfs fs/squashfs fs/efivarfs fs/fuse fs/autofs net',
  ].flatMap((line) => line.split(' ')),
  without: [
    'drivers/net/wireless drivers/net/can drivers/net/wwan drivers/net/ieee802154 drivers/net/arcnet drivers/net/wan',
    'drivers/net/fddi drivers/net/hamradio drivers/net/hippi drivers/net/xen-netback drivers/net/ethernet/mellanox',
    'drivers/net/ethernet/chelsio drivers/net/ethernet/netronome drivers/net/ethernet/qlogic drivers/net/ethernet/brocade',
    'drivers/net/ethernet/cavium drivers/net/ethernet/emulex drivers/net/ethernet/huawei drivers/net/ethernet/cisco',
    'drivers/scsi/aacraid drivers/scsi/bfa drivers/scsi/lpfc drivers/scsi/qla2xxx drivers/scsi/qla4xxx drivers/scsi/be2iscsi',
    'drivers/scsi/mpt3sas drivers/scsi/megaraid drivers/scsi/csiostor drivers/scsi/bnx2i drivers/scsi/bnx2fc drivers/scsi/cxgbi',
    'drivers/scsi/fnic drivers/scsi/mpi3mr drivers/scsi/aic7xxx drivers/scsi/pm8001 drivers/scsi/qedi drivers/scsi/qedf',
    'drivers/scsi/elx drivers/scsi/fcoe drivers/scsi/isci drivers/scsi/smartpqi drivers/usb/gadget drivers/usb/misc',
    'drivers/usb/serial drivers/input/joystick drivers/input/touchscreen drivers/input/tablet drivers/md/bcache drivers/crypto/intel/qat',
    'net/mac80211 net/bluetooth net/sunrpc net/wireless net/sctp net/ceph net/tipc net/nfc net/rxrpc net/batman-adv net/smc',
    'net/rds net/openvswitch net/atm net/vmw_vsock net/can net/dccp net/9p net/ieee802154 net/6lowpan net/phonet net/ax25',
    'net/rose net/qrtr net/mac802154 net/netrom net/hsr net/appletalk net/kcm net/lapb net/mptcp net/nsh net/mpls',
  ].flatMap((line) => line.split(' ')),
};

export const BOARDS: Readonly<Record<Board['name'], Board>> = {
  x86_64: {
    name: 'x86_64',
    architecture: 'amd64',
    node: 'x64',
    triplet: 'x86_64-linux-gnu',
    packages: [...COMMON, 'grub-common'],
    kernel: {
      suite: SUITE,
      package: 'linux-image-amd64',
      modules: MODULES,
      early: [
        ...[
          'virtio_blk',
          'virtio_scsi',
          'ahci',
          'ata_piix',
          'ata_generic',
          'nvme',
          'vmd',
          'sd_mod',
          'uas',
          'usb_storage',
        ],
        ...['xhci_pci', 'ehci_pci', 'uhci_hcd', 'ohci_pci', 'sdhci_pci', 'sdhci_acpi', 'mmc_block'],
        ...['i6300esb', 'iTCO_wdt', 'lpc_ich', 'i2c_i801', 'sp5100_tco', 'wdat_wdt'],
        ...['usbhid', 'hid_generic', 'atkbd', 'i8042', 'squashfs', 'overlay'],
      ],
      own: [],
    },
    firmware: ['firmware-realtek'],
  },
  rpi: {
    name: 'rpi',
    architecture: 'arm64',
    node: 'arm64',
    triplet: 'aarch64-linux-gnu',
    packages: COMMON,
    kernel: {
      // Debian 13's own kernel does not know the Pi 5.
      suite: `${SUITE}-backports`,
      package: 'linux-image-arm64',
      modules: {
        ...MODULES,
        folders: [...MODULES.folders, 'drivers/gpu/drm', 'drivers/misc', 'drivers/video'],
      },
      early: [
        ...['virtio_blk', 'virtio_mmio', 'virtio_scsi', 'sd_mod', 'uas', 'usb_storage', 'xhci_pci', 'nvme'],
        ...[
          'sdhci_brcmstb',
          'sdhci_iproc',
          'bcm2835',
          'mmc_block',
          'pcie_brcmstb',
          'phy_generic',
          'rp1',
          'rp1_pci',
        ],
        ...[
          'raspberrypi_hwmon',
          'clk_raspberrypi',
          'reset_raspberrypi',
          'gpio_raspberrypi_exp',
          'bcm2835_dma',
        ],
        ...[
          'raspberrypi_power',
          'clk_rp1',
          'pinctrl_rp1',
          'usbhid',
          'hid_generic',
          'squashfs',
          'overlay',
          'bcm2835_wdt',
          'i6300esb',
        ],
      ],
      own: ['tryboot.c'],
    },
    firmware: ['raspi-firmware'],
  },
};
