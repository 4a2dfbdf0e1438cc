with recent as (
    select * from relationship.service_levels
    where month > (select max(month) - interval 12 month from relationship.service_levels)
)

select
    kind, sum(cases) as cases, sum(open_cases) as open_cases, sum(cases_with_target) as cases_with_target,
    sum(cases_within_target) as cases_within_target, sum(reopened_cases) as reopened_cases,
    sum(satisfaction * answers) / nullif(sum(answers), 0) as satisfaction
from recent
group by kind
order by cases desc, kind
