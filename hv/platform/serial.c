/** @file
 * The 16550A's registers.
 *
 * Every access ends in update(), which fills the FIFO from the queue and
 * computes the interrupt line from what can interrupt and what may.
 *
 * Sending takes no time: the holding register is empty again before the guest
 * can look.  But a driver waits for the *interrupt* that says so, and through
 * an edge-triggered line it sees only changes; so send() lets the line fall for
 * a moment.  Receiving takes the person's time: what is typed waits in a queue
 * behind the FIFO, and never overruns it.
 *
 * Three of the four reasons of an interrupt are *states* and end when their
 * cause does: errors when LSR is read, data when it is taken, modem lines when
 * MSR is read.  The fourth, "transmitter empty", is an *event*, since it is
 * empty all the time here: `sent` is set by each byte sent (and by enabling
 * the interrupt) and cleared by the read of IIR that tells it.  A driver that
 * has nothing more to send sees it once and is left alone.
 *
 * DLAB, bit 7 of LCR, turns registers 0 and 1 into the divisor of the baud
 * rate.  It is kept and has no effect: no wire here has a speed.
 */
#include "hv/platform/serial.h"

enum serial_register {
	REGISTER_DATA, /* RBR and THR; the divisor's low byte */
	REGISTER_IER,  /* the divisor's high byte */
	REGISTER_IIR,  /* FCR when written */
	REGISTER_LCR,
	REGISTER_MCR,
	REGISTER_LSR,
	REGISTER_MSR,
	REGISTER_SCR,
};

#define IER_RECEIVED BIT(0)
#define IER_SENT BIT(1)
#define IER_LINE BIT(2)
#define IER_MODEM BIT(3)

#define IIR_NONE 0x01
#define IIR_MODEM 0x00
#define IIR_SENT 0x02
#define IIR_RECEIVED 0x04
#define IIR_TIMEOUT 0x0c
#define IIR_LINE 0x06
#define IIR_FIFO 0xc0

#define FCR_ENABLE BIT(0)
#define FCR_CLEAR_RECEIVER BIT(1)

#define LCR_BREAK BIT(6)
#define LCR_DLAB BIT(7)

#define MCR_LOOP BIT(4)

#define LSR_DATA BIT(0)
#define LSR_OVERRUN BIT(1)
#define LSR_BREAK BIT(4)
#define LSR_ERRORS BITS(4, 1)
#define LSR_BAD_BYTES BITS(4, 2) /* parity, framing, break */
#define LSR_IN_FIFO BIT(7)
#define LSR_SENT (BIT(5) | BIT(6)) /* THRE, TEMT: always */

#define MSR_DELTAS BITS(3, 0)
#define MSR_RI BIT(6)
#define MSR_CONNECTED (BIT(4) | BIT(5) | BIT(7)) /* CTS, DSR, DCD */

/**
 * Both queues are of one kind; the FIFO is a ring that is not allowed to become
 * longer than the chip's.
 * @return whether there was room
 */
static bool ring_put(struct serial_ring *ring, u8 byte, unsigned int limit)
{
	if (ring->count >= limit) {
		return false;
	}
	ring->byte[(ring->head + ring->count) % SERIAL_QUEUE] = byte;
	ring->count++;
	return true;
}

/** @return the oldest byte, or 0 when there is none */
static u8 ring_take(struct serial_ring *ring)
{
	u8 byte = ring->byte[ring->head];

	if (!ring->count) {
		return 0;
	}
	ring->head = (ring->head + 1) % SERIAL_QUEUE;
	ring->count--;
	return byte;
}

/** Without FIFOs (an 8250's way, and after reset) there is one register. */
static unsigned int depth(const struct serial *serial)
{
	return serial->fcr & FCR_ENABLE ? SERIAL_FIFO : 1;
}

/**
 * How many bytes make "received data"; fewer have timed out.  On the chip that
 * takes four characters' time of silence.  Drivers treat both alike, and at
 * once is the right moment here, where the queue is all that there will be.
 */
static unsigned int trigger(const struct serial *serial)
{
	static const u8 levels[] = { 1, 4, 8, 14 };

	return serial->fcr & FCR_ENABLE ? levels[bits(serial->fcr, 7, 6)] : 1;
}

/**
 * The modem lines: a cable with a peer, or in loopback our own outputs.  A
 * driver that waits for "clear to send" goes on; and one that probes for a UART
 * by loopback, as Linux does, sees the four bits it has set.
 */
static u8 modem_lines(const struct serial *serial)
{
	u8 mcr = serial->mcr;

	if (!(mcr & MCR_LOOP)) {
		return MSR_CONNECTED;
	}
	/* RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD. */
	return (u8)(bits(mcr, 1, 1) << 4 | bits(mcr, 0, 0) << 5 |
		    bits(mcr, 2, 2) << 6 | bits(mcr, 3, 3) << 7);
}

/**
 * The interrupt of the highest priority, as IIR tells it.  Only one is told; a
 * driver reads IIR again and again until it says "none" (bit 0 is 1 then).
 */
static u8 reason(const struct serial *serial)
{
	if ((serial->ier & IER_LINE) && (serial->lsr & LSR_ERRORS)) {
		return IIR_LINE;
	}
	if ((serial->ier & IER_RECEIVED) && serial->fifo.count) {
		return serial->fifo.count >= trigger(serial) ? IIR_RECEIVED
							     : IIR_TIMEOUT;
	}
	if ((serial->ier & IER_SENT) && serial->sent) {
		return IIR_SENT;
	}
	if ((serial->ier & IER_MODEM) && (serial->msr & MSR_DELTAS)) {
		return IIR_MODEM;
	}
	return IIR_NONE;
}

/**
 * At the end of everything.  First the FIFO, since what it holds is a reason;
 * then the line, of which only changes are told.
 */
static void update(struct serial *serial)
{
	bool high;

	/* The wire leads to the receiver unless that listens to itself. */
	while (!(serial->mcr & MCR_LOOP) && serial->queue.count &&
	       serial->fifo.count < depth(serial)) {
		ring_put(&serial->fifo, ring_take(&serial->queue),
			 depth(serial));
	}
	high = reason(serial) != IIR_NONE;
	if (high != serial->high) {
		serial->high = high;
		irq_line_set(&serial->line, high);
	}
}

/**
 * The byte is out when this returns.  serial_access() calls update() behind
 * us, and that is where the line rises again.
 */
static void send(struct serial *serial, u8 byte)
{
	/* Full for no time at all, but an edge-triggered line must see it. */
	serial->sent = false;
	update(serial);
	serial->written++;
	if (!(serial->mcr & MCR_LOOP)) {
		if (serial->output) {
			serial->output(serial->data, byte);
		}
	} else if (!ring_put(&serial->fifo, byte, depth(serial))) {
		serial->lsr |= LSR_OVERRUN;
	}
	serial->sent = true;
}

/**
 * 0xc9: trigger level, DMA mode (kept, unused), enable.  The clear bits act
 * and are not kept; the transmitter's FIFO is always empty.
 */
static void write_fcr(struct serial *serial, u8 value)
{
	bool toggled = (value ^ serial->fcr) & FCR_ENABLE;

	if (toggled || (value & FCR_CLEAR_RECEIVER)) {
		serial->fifo.count = 0;
	}
	/* The other bits count only together with the enable bit. */
	serial->fcr = value & FCR_ENABLE ? value & 0xc9 : 0;
}

/**
 * A break is the wire held low for longer than a byte.  To the other side it
 * goes unnoticed; in loopback it arrives as a byte 0 with its error bit.
 */
static void write_lcr(struct serial *serial, u8 value)
{
	bool begins = (value & ~serial->lcr) & LCR_BREAK;

	serial->lcr = value;
	if (begins && (serial->mcr & MCR_LOOP)) {
		ring_put(&serial->fifo, 0, depth(serial));
		serial->lsr |= LSR_BREAK;
	}
}

/**
 * Modem outputs, which in loopback are inputs: note what changes.  MSR's low
 * half is a delta for each line of its high half, four bits below.
 */
static void write_mcr(struct serial *serial, u8 value)
{
	u8 was = modem_lines(serial);
	u8 changed;

	serial->mcr = value & 0x1f;
	changed = was ^ modem_lines(serial);
	/* Of the ring indicator only the trailing edge counts. */
	if (changed & modem_lines(serial) & MSR_RI) {
		changed &= ~MSR_RI;
	}
	serial->msr |= changed >> 4;
}

static void write_ier(struct serial *serial, u8 value)
{
	/* Enabled while the transmitter is ready: it says so at once. */
	if (value & ~serial->ier & IER_SENT) {
		serial->sent = true;
	}
	serial->ier = value & 0x0f;
}

/** Register 2 is two registers: FCR when written, IIR when read. */
static void write(struct serial *serial, enum serial_register reg, u8 value)
{
	bool dlab = serial->lcr & LCR_DLAB;

	switch (reg) {
	case REGISTER_DATA:
		if (dlab) {
			serial->divisor = (serial->divisor & 0xff00) | value;
		} else {
			send(serial, value);
		}
		break;
	case REGISTER_IER:
		if (dlab) {
			serial->divisor =
				(u16)((serial->divisor & 0xff) | value << 8);
		} else {
			write_ier(serial, value);
		}
		break;
	case REGISTER_IIR:
		write_fcr(serial, value);
		break;
	case REGISTER_LCR:
		write_lcr(serial, value);
		break;
	case REGISTER_MCR:
		write_mcr(serial, value);
		break;
	case REGISTER_SCR:
		serial->scratch = value;
		break;
	case REGISTER_LSR: /* for the maker's tests only */
	case REGISTER_MSR:
		break;
	}
}

/** Reading the reason ends the transmitter's. */
static u8 read_iir(struct serial *serial)
{
	u8 iir = reason(serial);

	if (iir == IIR_SENT) {
		serial->sent = false;
	}
	return serial->fcr & FCR_ENABLE ? iir | IIR_FIFO : iir;
}

/**
 * Reading takes the error bits away, which is how their interrupt ends.  "Data
 * ready" and "ready to send" are states and are computed each time.
 */
static u8 read_lsr(struct serial *serial)
{
	u8 lsr = serial->lsr | LSR_SENT;

	/* With FIFOs there is a bit for "one of these has an error". */
	if ((serial->fcr & FCR_ENABLE) && (lsr & LSR_BAD_BYTES)) {
		lsr |= LSR_IN_FIFO;
	}
	serial->lsr = 0;
	return serial->fifo.count ? lsr | LSR_DATA : lsr;
}

/** Like LSR: the deltas are gone once they are read. */
static u8 read_msr(struct serial *serial)
{
	u8 deltas = serial->msr;

	serial->msr = 0;
	return deltas | modem_lines(serial);
}

static u8 read(struct serial *serial, enum serial_register reg)
{
	bool dlab = serial->lcr & LCR_DLAB;

	switch (reg) {
	case REGISTER_DATA:
		return dlab ? (u8)serial->divisor : ring_take(&serial->fifo);
	case REGISTER_IER:
		return dlab ? serial->divisor >> 8 : serial->ier;
	case REGISTER_IIR:
		return read_iir(serial);
	case REGISTER_LCR:
		return serial->lcr;
	case REGISTER_MCR:
		return serial->mcr;
	case REGISTER_LSR:
		return read_lsr(serial);
	case REGISTER_MSR:
		return read_msr(serial);
	case REGISTER_SCR:
		return serial->scratch;
	}
	return 0xff;
}

/*
 * The output callback runs inside, with the lock held: so bytes of two vCPUs
 * come out in the order in which the chip has got them.
 */
int serial_access(void *opaque, struct bus_access *access)
{
	struct serial *serial = opaque;
	enum serial_register reg = access->offset % SERIAL_REGISTERS;

	spinlock_lock(&serial->lock);
	if (access->is_write) {
		write(serial, reg, (u8)access->value);
	} else {
		access->value = read(serial, reg);
	}
	update(serial);
	spinlock_unlock(&serial->lock);
	return 0;
}

/*
 * The same chip where registers are words ("reg-shift 2"): what lies between
 * them is nothing.
 */
int serial_access_wide(void *serial, struct bus_access *access)
{
	struct bus_access narrow = *access;

	if (access->offset % 4) {
		access->value = access->is_write ? access->value : 0;
		return 0;
	}
	narrow.offset = access->offset / 4;
	serial_access(serial, &narrow);
	access->value = narrow.value;
	return 0;
}

/*
 * From another CPU, perhaps: the lock makes it one with the guest's accesses.
 * Flow control is the return value: what was not taken is offered again.
 */
size_t serial_input(struct serial *serial, const u8 *bytes, size_t count)
{
	size_t taken = 0;

	spinlock_lock(&serial->lock);
	while (taken < count &&
	       ring_put(&serial->queue, bytes[taken], SERIAL_QUEUE)) {
		taken++;
	}
	update(serial);
	spinlock_unlock(&serial->lock);
	return taken;
}

void serial_init(struct serial *serial, struct irq_line line,
		 void (*output)(void *data, u8 byte), void *data)
{
	*serial = (struct serial){
		.divisor = 1,
		.line = line,
		.output = output,
		.data = data,
	};
}
