"""Trade between two levels of the chain: who asks whom, who is served, which cards change hands (4.7).

Cards are read in the order of their rows, which is the order in which they were opened: first in, first out.
"""

import numpy as np

from sim.kernels import COUNTS, KEYS, compiled
from sim.kernels.philox import uniform_at
from sim.kernels.tally import whole_fen

Trades = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@compiled("i8(f8[::1],b1[::1],f8,f8,f8[::1])")
def choose_seller(
    ask: np.ndarray, reachable: np.ndarray, sharpness: float, u: float, edges: np.ndarray
) -> int:
    """Which contact a buyer asks: probability proportional to ask^-sharpness among the reachable ones.

    ``ask`` in yuan and ``reachable`` by contact, ``u`` uniform in (0, 1), ``edges`` float64 (contacts) a
    place to work in.  Returns the number of the contact, -1 where none is reachable.
    """
    cheapest = np.inf
    for c in range(ask.size):
        if reachable[c]:
            cheapest = min(cheapest, ask[c])
    if cheapest == np.inf:
        return -1
    total = 0.0
    for c in range(ask.size):
        if reachable[c]:
            total += 1.0 if ask[c] == cheapest else (ask[c] / cheapest) ** -sharpness
        edges[c] = total
    chosen = 0
    while chosen < ask.size - 1 and edges[chosen] <= u * total:
        chosen += 1
    return chosen


@compiled("void(i8[::1],f8[::1],i8,i8)")
def _sort_by_place(queue: np.ndarray, place: np.ndarray, first: int, end: int) -> None:
    """Order ``queue[first:end]`` by ``place``, then by itself (Shell's sort: nearly all queues are short)."""
    gap = 1
    while gap < (end - first) // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for at in range(first + gap, end):
            who, to = queue[at], at
            while to - gap >= first:
                before = queue[to - gap]
                if place[before] < place[who] or (place[before] == place[who] and before < who):
                    break
                queue[to] = before
                to -= gap
            queue[to] = who
        gap //= 3


@compiled(f"i8[::1]({COUNTS},f8[::1],i8)")
def line_up(seller: np.ndarray, place: np.ndarray, sellers: int) -> np.ndarray:
    """The sequence in which visits (n) are served: by seller, at each by their ``place`` in the queue."""
    end = np.zeros(sellers + 1, dtype=np.int64)
    for i in range(seller.size):
        end[seller[i] + 1] += 1
    for s in range(sellers):
        end[s + 1] += end[s]
    queue = np.empty(seller.size, dtype=np.int64)
    for i in range(seller.size):
        queue[end[seller[i]]] = i
        end[seller[i]] += 1
    first = 0
    while first < queue.size:
        last = end[seller[queue[first]]]
        _sort_by_place(queue, place, first, last)
        first = last
    return queue


@compiled("void(i8[::1],i8[::1],i8[::1],i8[:],i8[::1])")
def match(
    order: np.ndarray, seller: np.ndarray, wanted: np.ndarray, stock: np.ndarray, filled: np.ndarray
) -> None:
    """Serve orders one after the other from the stock of the seller each of them chose (equation 4.7).

    ``order`` (n): the sequence in which orders are served; ``seller`` and ``wanted`` (n): by order; ``stock``
    (sellers, changed in place): what is left; ``filled`` (n, output).
    """
    for j in range(order.size):
        i = order[j]
        s = seller[i]
        filled[i] = min(wanted[i], stock[s])
        stock[s] -= filled[i]


@compiled(
    "Tuple((i8[::1],i8[::1],f8[::1],i8[::1],f8[::1]))(u8,i8,i8,i8,i8,i8,f8,b1,"
    f"u1[::1],i4[::1],{KEYS},i8[::1],i8[:,::1],f8[:,::1],i4[:,::1],f8[:,::1],"
    "u1[::1],i4[::1],f8[:,::1],i8[:,::1],f8[:,::1])"
)
def visit(
    key: np.uint64,
    choice: int,
    queue: int,
    day: int,
    draw: int,
    goods: int,
    sharpness: float,
    on_account: bool,
    alive: np.ndarray,
    low_until: np.ndarray,
    keys: np.ndarray,
    cash: np.ndarray,
    order: np.ndarray,
    bid: np.ndarray,
    contacts: np.ndarray,
    fresh_need: np.ndarray,
    seller_alive: np.ndarray,
    seller_low_until: np.ndarray,
    ask: np.ndarray,
    stock: np.ndarray,
    wanted: np.ndarray,
) -> Trades:
    """Every buyer at work with an open order asks one contact, who hears of the need that is new.

    A contact can be reached if it is at work and asks no more than the bid; one that has cards is asked
    before one that has none.  Who pays at once buys no more than its ``cash`` (fen) allows.  A buyer with
    nothing new to say who could only find empty shelves stays at home.

    ``choice`` and ``queue``: processes of the random numbers, ``draw`` tells those of a level of trade apart.
    Columns of the buyers and of the sellers are of their tables, those with two columns by ``goods``;
    ``fresh_need`` (set to 0) goes over to ``wanted``.

    Returns
    -------
    buyer, seller, price, cards, place
        Of the visits (n) that find cards: rows, yuan a card, cards wanted and affordable, place in the queue.

    """
    most = alive.size
    buyer, seller, cards = (np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64))
    price, place = np.empty(most), np.empty(most)
    width = contacts.shape[1]
    asks, reachable, edges = np.ones(width), np.zeros(width, dtype=np.bool_), np.empty(width)
    n = 0
    for b in range(alive.size):
        if alive[b] != 1 or order[b, goods] <= 0 or low_until[b] > day:
            continue
        stocked, silent = False, fresh_need[b, goods] == 0.0
        for c in range(width):
            s = contacts[b, c]
            reachable[c] = False
            if s < 0:
                continue
            full = stock[s, goods] > 0
            if not full and (stocked or silent):
                continue
            if seller_alive[s] != 1 or seller_low_until[s] > day or ask[s, goods] > bid[b, goods]:
                continue
            if full and not stocked:  # from now on only those count that have cards
                stocked = True
                for other in range(c):
                    reachable[other] = False
            asks[c], reachable[c] = ask[s, goods], True
        if silent and not stocked:
            continue
        column = choose_seller(asks, reachable, sharpness, uniform_at(key, choice, day, keys[b], draw), edges)
        if column < 0:
            continue
        s = np.int64(contacts[b, column])
        wanted[s, goods] += fresh_need[b, goods]
        fresh_need[b, goods] = 0.0
        most_cards = order[b, goods]
        if not on_account:
            fen = max(whole_fen(ask[s, goods]), 1)
            most_cards = min(most_cards, max(cash[b], 0) // fen)
        if most_cards > 0 and stock[s, goods] > 0:
            buyer[n], seller[n], price[n], cards[n] = b, s, ask[s, goods], most_cards
            place[n] = uniform_at(key, queue, day, keys[b], 10 + draw)
            n += 1
    return buyer[:n], seller[:n], price[:n], cards[:n], place[:n]


@compiled(
    "Tuple((i8[::1],i8[::1],f8[::1],i8[::1],i8[::1]))(i8,i8[::1],i8[::1],f8[::1],i8[::1],f8[::1],"
    "i8[::1],i8[:,::1],i8[::1],f8[:,::1],i8[::1],i8[:,::1])"
)
def serve(
    goods: int,
    buyer: np.ndarray,
    seller: np.ndarray,
    price: np.ndarray,
    cards: np.ndarray,
    place: np.ndarray,
    cash: np.ndarray,
    order: np.ndarray,
    seller_cash: np.ndarray,
    supplied: np.ndarray,
    sold: np.ndarray,
    stock: np.ndarray,
) -> Trades:
    """Sellers serve who came (`visit`) until the shelf is empty; money, orders and shelves follow.

    Columns of buyers (``cash`` in fen, ``order``) and sellers are changed in place.

    Returns
    -------
    buyer, seller, price, cards, fen
        Of the trades (n), in the order in which they were made, seller by seller: rows, yuan a card, number
        of cards, fen a card.

    """
    filled = np.zeros(buyer.size, dtype=np.int64)
    queue = line_up(seller, place, sold.size)
    match(queue, seller, cards, stock[:, goods], filled)
    done = queue[filled[queue] > 0]
    buyer, seller, price, cards = buyer[done], seller[done], price[done], filled[done]
    fen = np.empty(done.size, np.int64)
    for i in range(done.size):
        b, s = buyer[i], seller[i]
        fen[i] = whole_fen(price[i])
        cash[b] -= fen[i] * cards[i]
        order[b, goods] -= cards[i]
        seller_cash[s] += fen[i] * cards[i]
        supplied[s, goods] += cards[i]
        sold[s] += cards[i]
    return buyer, seller, price, cards, fen


@compiled(f"Tuple((i8[::1],i8[::1]))(u1[::1],i4[::1],i8,i8,{COUNTS},{COUNTS})")
def hand_over(
    status: np.ndarray,
    owner: np.ndarray,
    shelf: int,
    sellers: int,
    seller: np.ndarray,
    quantity: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the cards that change hands: the oldest on the shelf of each seller go to its first trades.

    ``status`` and ``owner`` of cards, ``shelf`` the status of those for sale; ``seller`` and ``quantity`` (1
    or more) of trades, seller by seller.  Returns the rows of the cards that move and the trade of each.
    """
    rows = np.empty(quantity.sum(), np.int64)
    trade = np.empty(rows.size, np.int64)
    left = quantity.copy()
    current = np.full(sellers, -1, dtype=np.int64)  # the trade that each seller serves next
    for t in range(seller.size - 1, -1, -1):
        current[seller[t]] = t
    n = 0
    for i in range(status.size):
        if n == rows.size:
            break
        if status[i] != shelf or owner[i] < 0 or owner[i] >= sellers:
            continue
        s = owner[i]
        t = current[s]
        if t < 0:
            continue
        rows[n], trade[n] = i, t
        n += 1
        left[t] -= 1
        if left[t] == 0:
            more = t + 1 < seller.size and seller[t + 1] == s
            current[s] = t + 1 if more else -1
    return rows[:n], trade[:n]


@compiled(
    "Tuple((i8[::1],i8[::1],f8[::1],i8[::1],i8[::1],i8[::1],i8[::1]))(u8,i8,i8,i8,i8,i8,f8,b1,"
    f"u1[::1],i4[::1],{KEYS},i8[::1],i8[:,::1],f8[:,::1],i4[:,::1],f8[:,::1],"
    "u1[::1],i4[::1],i8[::1],f8[:,::1],f8[:,::1],f8[:,::1],i8[::1],i8[:,::1],u1[::1],i4[::1],i8)"
)
def trade(
    key: np.uint64,
    choice: int,
    queue: int,
    day: int,
    draw: int,
    goods: int,
    sharpness: float,
    on_account: bool,
    alive: np.ndarray,
    low_until: np.ndarray,
    keys: np.ndarray,
    cash: np.ndarray,
    order: np.ndarray,
    bid: np.ndarray,
    contacts: np.ndarray,
    fresh_need: np.ndarray,
    seller_alive: np.ndarray,
    seller_low_until: np.ndarray,
    seller_cash: np.ndarray,
    ask: np.ndarray,
    wanted: np.ndarray,
    supplied: np.ndarray,
    sold: np.ndarray,
    stock: np.ndarray,
    status: np.ndarray,
    owner: np.ndarray,
    shelf: int,
) -> tuple[np.ndarray, ...]:
    """A day of trade: buyers `visit`, sellers `serve` them, and they `hand_over` cards.

    Columns of buyers, of sellers, and ``status`` and ``owner`` of the cards, as there.  Returns the trades
    (``buyer, seller, price, cards, fen``), the rows of the cards that change hands, and the trade of each.
    """
    buyer, seller, price, cards, place = visit(
        key,
        choice,
        queue,
        day,
        draw,
        goods,
        sharpness,
        on_account,
        alive,
        low_until,
        keys,
        cash,
        order,
        bid,
        contacts,
        fresh_need,
        seller_alive,
        seller_low_until,
        ask,
        stock,
        wanted,
    )
    if buyer.size == 0:
        return buyer, seller, price, cards, cards, buyer, buyer
    buyer, seller, price, cards, fen = serve(
        goods, buyer, seller, price, cards, place, cash, order, seller_cash, supplied, sold, stock
    )
    rows, of = hand_over(status, owner, shelf, sold.size, seller, cards)
    return buyer, seller, price, cards, fen, rows, of


@compiled(f"UniTuple(i8[::1],2)(u8,i8,i8,u1[::1],i4[::1],i4[::1],{KEYS},i8,i4[::1],u1[::1],i8,f8,f8)")
def arrive(
    key: np.uint64,
    process: int,
    day: int,
    status: np.ndarray,
    gang: np.ndarray,
    moved: np.ndarray,
    keys: np.ndarray,
    in_transit: int,
    transit_days: np.ndarray,
    region: np.ndarray,
    abroad: int,
    passes_home: float,
    passes_abroad: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Cards that have been under way for the days of transit of their gang arrive, or are seized on the way.

    ``status``, ``gang``, day ``moved`` and ``keys`` of cards; ``transit_days`` and ``region`` of gangs; the
    last two are the chances to pass on the way to a gang at home and to one ``abroad``.  Returns the rows of
    the cards that arrive and of those that are seized.
    """
    here, n_here = np.empty(status.size, np.int64), 0
    lost, n_lost = np.empty(status.size, np.int64), 0
    for i in range(status.size):
        if status[i] != in_transit:
            continue
        g = gang[i]
        if day - moved[i] < transit_days[g]:
            continue
        passes = passes_abroad if region[g] == abroad else passes_home
        if uniform_at(key, process, day, keys[i], 0) < 1.0 - passes:
            lost[n_lost] = i
            n_lost += 1
        else:
            here[n_here] = i
            n_here += 1
    return here[:n_here], lost[:n_lost]


@compiled("void(u1[::1],i4[::1],i4[::1],i8,i8[::1],i8[:,:,::1],i8[:,::1])")
def _count_goods(
    status: np.ndarray,
    gang: np.ndarray,
    dealer: np.ndarray,
    goods: int,
    where: np.ndarray,
    with_gangs: np.ndarray,
    on_shelves: np.ndarray,
) -> None:
    """Count the cards of one of the goods; see `count_stocks`."""
    shelves = with_gangs.shape[0]
    for i in range(status.size):
        at = where[status[i]]
        if at < 0:
            continue
        if at < shelves:
            with_gangs[at, gang[i], goods] += 1
        else:
            on_shelves[dealer[i], goods] += 1


@compiled("void(u1[::1],i4[::1],i4[::1],u1[::1],i4[::1],i4[::1],i8[::1],i8[:,:,::1],i8[:,::1])")
def count_stocks(
    status: np.ndarray,
    gang: np.ndarray,
    dealer: np.ndarray,
    sim_status: np.ndarray,
    sim_gang: np.ndarray,
    sim_dealer: np.ndarray,
    where: np.ndarray,
    with_gangs: np.ndarray,
    on_shelves: np.ndarray,
) -> None:
    """Count sets and phone cards by owner.

    ``status``, ``gang`` and ``dealer`` of sets and of phone cards.  ``where`` says of each status which of
    ``with_gangs`` (k, gangs, 2) the card is counted in; k stands for ``on_shelves`` (dealers, 2), -1 for
    nowhere.  Both are added to.
    """
    _count_goods(status, gang, dealer, 0, where, with_gangs, on_shelves)
    _count_goods(sim_status, sim_gang, sim_dealer, 1, where, with_gangs, on_shelves)
