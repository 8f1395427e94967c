"""Customers and their addresses.

Belongs here: names, homes, how they change over the days, who leaves.
Does not: what people buy (`shop.py`).
"""

import re
import unicodedata

from duckdb import DuckDBPyConnection

from orchestration.demo.chance import Plan, insert_rows

_COUNTRIES = (("DE", "de_DE"), ("FR", "fr_FR"), ("ES", "es_ES"))
_NAMES, _FAMILIES, _PLACES, _STREETS = 100, 200, 150, 250

_CHANGES = """
create table customer_changes as
with registered as (
    select
        number,
        case
            when number < {known} then -1 - die(1000, number, 'registered')
            else ((number - {known}) * {days}) // ({total} - {known})
        end as registered_day,
        die(86000, number, 'registered at') as second
    from range({all}) as numbers(number)
),

changed as (
    select number, registered_day, greatest(registered_day, 0) as day, 'registered' as change,
        date '{start}'::timestamp + to_days(registered_day::int) + to_seconds(second) as changed_at
    from registered
    union all
    -- Two in a hundred change something on any day.
    select number, registered_day, day,
        case
            when dice(number * 1000 + day, 'change') < 0.4 then 'moved'
            when dice(number * 1000 + day, 'change') < 0.7 then 'tier'
            when dice(number * 1000 + day, 'change') < 0.85 then 'email'
            else 'phone'
        end as change,
        date '{start}'::timestamp + to_days(day::int)
            + to_seconds(die(86000, number * 1000 + day, 'changed at')) as changed_at
    from registered
    inner join calendar on day > registered_day
    where (number + day * 17) % 50 = 0
)

select
    *,
    count(*) filter (where change = 'moved') over past as moves,
    count(*) filter (where change = 'tier') over past as upgrades,
    count(*) filter (where change = 'email') over past as emails,
    count(*) filter (where change = 'phone') over past as phones,
    die(3, number, 'country') as country
from changed
window past as (partition by number order by changed_at)
"""

_CUSTOMERS = """
create table customers as
with people as (
    select
        customer_changes.*,
        given.name as first_name,
        families.name as last_name,
        given.gender
    from customer_changes
    inner join given
        on customer_changes.country = given.country and die({names}, number, 'given') = given.slot
    inner join families
        on customer_changes.country = families.country
        and die({families}, number, 'family') = families.slot
    where change <> 'moved'
),

leaving as (
    select number from range({total}) as numbers(number)
    anti join orders_placed
        on numbers.number = orders_placed.customer and orders_placed.day < {days}
    order by dice(number, 'leaves')
    limit greatest(1, {total} // 300)
),

delivered as (
    select
        number,
        day,
        numbered('CUST_', 7, number + 1) as customer_id,
        first_name,
        last_name,
        regexp_replace(lower(strip_accents(first_name || '.' || last_name)), '[^a-z.]', '', 'g')
            || '.' || number || case when emails > 0 then '.' || emails else '' end || '@'
            || pick(['example.com', 'example.org', 'example.net', 'mail.example.com'],
                number * 10 + emails, 'domain') as email,
        case when dice(number, 'has phone') < 0.92 then
            ['+49', '+33', '+34'][country + 1]
            || numbered(' 555 ', 7, die(10000000, number * 10 + phones, 'phone'))
        end as phone,
        date '1945-01-01' + die(22000, number, 'born')::int as date_of_birth,
        gender,
        (date '{start}' + registered_day::int)::date as registration_date,
        ['Bronze', 'Silver', 'Gold', 'Platinum'][
            least(floor(4 * dice(number, 'tier') ** 2)::int + upgrades, 3) + 1
        ] as loyalty_tier,
        {{
            'categories': [
                pick(['Electronics', 'Fashion', 'Home', 'Sports', 'Books', 'Beauty'],
                    number, 'likes')
            ],
            'communication': pick([['email'], ['email', 'sms'], ['push'], []], number, 'reached')
        }} as preferences,
        date '{start}'::timestamp + to_days(registered_day::int)
            + to_seconds(die(86000, number, 'registered at')) as created_at,
        changed_at as updated_at,
        if(change = 'registered', 'I', 'U') as _op
    from people
    union all by name
    select number, {days} - 1 as day, numbered('CUST_', 7, number + 1) as customer_id,
        date '{start}'::timestamp + to_days({days} - 1) + interval '86399 seconds' as updated_at,
        'D' as _op
    from leaving
)

select
    * exclude (number, day),
    day as _day
from delivered
order by _day, updated_at, customer_id
"""

# A quarter has a second address; the first one moves.
_ADDRESSES = """
create table addresses as
with homes as (
    select number, day, 1 as home, changed_at, country, number * 100 + moves as home_key
    from customer_changes
    where change in ('registered', 'moved')
    union all
    select number, day, 2 as home, changed_at, country, number * 100 + 99 as home_key
    from customer_changes
    where change = 'registered' and dice(number, 'second home') < 0.25
)

select
    numbered('ADDR_', 7, number + 1) || '_' || home as address_id,
    numbered('CUST_', 7, number + 1) as customer_id,
    streets.name as address_line_1,
    places.city,
    places.state,
    places.postcode,
    ['DE', 'FR', 'ES'][homes.country + 1] as country,
    changed_at as updated_at,
    day as _day
from homes
inner join streets
    on homes.country = streets.country and die({streets}, home_key, 'street') = streets.slot
inner join places
    on homes.country = places.country and die({places}, home_key, 'place') = places.slot
order by _day, changed_at, number, home
"""


def create_pools(connection: DuckDBPyConnection, plan: Plan) -> None:
    """Tables `given`, `families`, `places`, `streets`, `brands`: what names are drawn from."""
    # A third of what the command line would import, for which only the demo's defaults matter.
    from faker import Faker

    given, families, places, streets = [], [], [], []
    brands: dict[str, None] = {}
    for country, (_, locale) in enumerate(_COUNTRIES):
        fake = Faker(locale)
        fake.seed_instance(plan.seed)
        for number in range(_NAMES):
            name, gender = (
                (fake.first_name_female(), "female")
                if number % 2
                else (fake.first_name_male(), "male")
            )
            given.append((country, number, name, gender))
        families += [(country, number, fake.last_name()) for number in range(_FAMILIES)]
        streets += [
            (country, number, fake.street_address().replace("\n", ", "))
            for number in range(_STREETS)
        ]
        places += [
            (country, number, fake.city(), fake.administrative_unit(), fake.postcode())
            for number in range(_PLACES)
        ]
        brands |= dict.fromkeys(_word(fake.last_name()) for _ in range(20))
    for name, columns, rows in (
        ("given", "country bigint, slot bigint, name varchar, gender varchar", given),
        ("families", "country bigint, slot bigint, name varchar", families),
        ("streets", "country bigint, slot bigint, name varchar", streets),
        (
            "places",
            "country bigint, slot bigint, city varchar, state varchar, postcode varchar",
            places,
        ),
        ("brands", "slot bigint, name varchar", list(enumerate(brands))),
    ):
        insert_rows(connection, name, columns, rows)


def create_customer_changes(connection: DuckDBPyConnection, plan: Plan) -> None:
    """Table `customer_changes`: when each customer registered and what changed later."""
    connection.execute(_fill(_CHANGES, plan))


def create_people(connection: DuckDBPyConnection, plan: Plan) -> None:
    """Tables `customers` and `addresses`; after `orders_placed`, as buyers do not leave."""
    connection.execute(_fill(_CUSTOMERS, plan))
    connection.execute(_fill(_ADDRESSES, plan))


def _fill(sql: str, plan: Plan) -> str:
    return sql.format(
        start=plan.start,
        days=plan.days,
        total=plan.customers,
        all=plan.all_customers,
        known=plan.known_customers,
        names=_NAMES,
        families=_FAMILIES,
        streets=_STREETS,
        places=_PLACES,
    )


def _word(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z]", "", plain).capitalize()
