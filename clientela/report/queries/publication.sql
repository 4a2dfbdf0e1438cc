select run_id, company, currency, time_zone, as_of_on, known_at, started_at, entities_without_source
from operations.publication
