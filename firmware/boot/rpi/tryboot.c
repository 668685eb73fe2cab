// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
//
// Tells the Pi's own firmware, as long as this is loaded, that the next start is to be an attempt: by the partition under
// [tryboot] in autoboot.txt, once. Debian's kernel has no word for that; the firmware's property interface has one, which the
// kernel's driver for it carries to the mailbox.
#include <linux/module.h>
#include <linux/of.h>
#include <soc/bcm2835/raspberrypi-firmware.h>

#define SET_REBOOT_FLAGS 0x00038064
#define TRYBOOT 1

static int tell(u32 flags)
{
	struct device_node *node = rpi_firmware_find_node();
	struct rpi_firmware *firmware;
	int error;

	if (!node)
		return -ENODEV;
	firmware = rpi_firmware_get(node);
	of_node_put(node);
	if (!firmware)
		return -ENODEV;
	error = rpi_firmware_property(firmware, SET_REBOOT_FLAGS, &flags, sizeof(flags));
	rpi_firmware_put(firmware);
	return error;
}

static int __init tryboot_init(void)
{
	return tell(TRYBOOT);
}

static void __exit tryboot_exit(void)
{
	tell(0);
}

module_init(tryboot_init);
module_exit(tryboot_exit);
MODULE_DESCRIPTION("One attempt to start by another partition (Raspberry Pi)");
MODULE_LICENSE("GPL");
